<?php
// An answer that leaves the request body unread.
echo 'ignored';
