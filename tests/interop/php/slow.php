<?php
// Slow before the first byte, by `before` milliseconds, or amid the answer, by
// `amid`.
usleep(1000 * (int)($_GET['before'] ?? 0));
echo 'first';
flush();
usleep(1000 * (int)($_GET['amid'] ?? 0));
echo 'last';
