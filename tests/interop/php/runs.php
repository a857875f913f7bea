<?php
// Counts on this side how often a request runs: a line in the file `log` when
// it begins and one when it ends, `ms` milliseconds later.
$n = $_GET['n'] ?? '-';
file_put_contents($_GET['log'], "$n begins\n", FILE_APPEND | LOCK_EX);
usleep(1000 * (int)($_GET['ms'] ?? 0));
file_put_contents($_GET['log'], "$n ends\n", FILE_APPEND | LOCK_EX);
echo "done";
