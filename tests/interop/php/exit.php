<?php
// An answer from a script that ends with an exit status of its own.
echo 'exiting';
exit((int)$_GET['status']);
