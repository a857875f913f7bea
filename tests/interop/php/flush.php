<?php
// The beginning of the answer before the request body is read, the hash of the
// body behind it.
echo "early\n";
flush();
$input = fopen('php://input', 'rb');
$hash = hash_init('fnv1a64');
$length = hash_update_stream($hash, $input);
printf('%d %s', $length, hash_final($hash));
