<?php
// The whole answer before any of the request body is read, then nothing: the
// script stays, so that nobody reads the body.
http_response_code(413);
echo 'too large';
fastcgi_finish_request();
sleep(20);
