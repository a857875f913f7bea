<?php
// One field three times, with another between.
header('Set-Cookie: first=1; Path=/');
header('X-Between: yes');
header('Set-Cookie: second=2; Path=/', false);
header('Set-Cookie: first=3; Path=/', false);
echo 'cookies';
