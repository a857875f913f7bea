<?php
// All of $_SERVER: one line each, with the lengths of name and value ahead.
header('Content-Type: text/plain');
echo "\$_SERVER\n";
foreach ($_SERVER as $name => $value) {
    if (is_string($value)) {
        printf("%d:%s=%d:%s\n", strlen($name), $name, strlen($value), $value);
    }
}
