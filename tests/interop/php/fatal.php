<?php
// A fatal error, before any output.
function_that_is_not_there();
