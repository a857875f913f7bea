<?php
// So many lines of tests/support/pattern.h: `lines` in the query.
header('Content-Type: text/plain');
$lines = (int)$_GET['lines'];
header('Content-Length: ' . 16 * $lines);
for ($line = 0; $line < $lines; $line++) {
    printf("%015x\n", $line);
}
