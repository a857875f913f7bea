<?php
// Error output before, amid and after the answer.
error_log('before');
echo 'one ';
flush();
error_log('amid');
echo 'two ';
flush();
error_log(str_repeat('long', 2000));
echo 'three';
flush();
error_log('after');
