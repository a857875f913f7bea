<?php
// The request's body, and behind it as many `bytes` as are asked for, which say
// whose they are: they repeat the `id`.
header('Content-Type: application/octet-stream');
header('X-Own: ' . $_GET['id']);
readfile('php://input');
$line = '<' . $_GET['id'] . ">\n";
$bytes = (int)$_GET['bytes'];
echo substr(str_repeat($line, intdiv($bytes, strlen($line)) + 1), 0, $bytes);
