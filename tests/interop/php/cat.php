<?php
// The request body, handed back as it comes.
header('Content-Type: application/octet-stream');
while (ob_get_level() > 0) {
    ob_end_flush();
}
$input = fopen('php://input', 'rb');
while (!feof($input)) {
    echo fread($input, 65536);
    flush();
}
