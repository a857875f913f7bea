<?php
// The beginning of an answer, which names the child that never ends it.
header('X-Child: ' . getmypid());
echo 'alive';
flush();
sleep(20);
