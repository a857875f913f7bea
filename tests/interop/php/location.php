<?php
// A redirection that names no status.
header('Location: /elsewhere?a=1');
