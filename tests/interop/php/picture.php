<?php
// A PNG of noise, which does not get smaller: `size` wide, twice as high.
function chunk($type, $data)
{
    return pack('N', strlen($data)) . $type . $data .
        pack('N', crc32($type . $data));
}

$size = (int)$_GET['size'];
$rows = '';
for ($row = 0; $row < 2 * $size; $row++) {
    $rows .= "\0" . random_bytes($size);
}
header('Content-Type: image/png');
echo "\x89PNG\r\n\x1a\n",
    chunk('IHDR', pack('NNCCCCC', $size, 2 * $size, 8, 0, 0, 0, 0)),
    chunk('IDAT', gzcompress($rows)),
    chunk('IEND', '');
