<?php
// What tells one request from another, in its variables and in its body.
header('X-Token: ' . $_SERVER['TEST_TOKEN']);
echo $_SERVER['TEST_TOKEN'], "\n", file_get_contents('php://input');
