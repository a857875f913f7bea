<?php
// Length and hash of the request body.
header('Content-Type: text/plain');
$input = fopen('php://input', 'rb');
$hash = hash_init('fnv1a64');
$length = hash_update_stream($hash, $input);
printf('%d %s', $length, hash_final($hash));
