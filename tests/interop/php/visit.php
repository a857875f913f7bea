<?php
// What a browser has sent, in one line: how often it was here, the field of a
// form, the file with its length and hash.
session_save_path(sys_get_temp_dir());
session_start();
$_SESSION['visits'] += 1;
header('Content-Type: text/plain; charset=utf-8');
echo 'visit ', $_SESSION['visits'];
if (isset($_POST['name'])) {
    echo ' name ', $_POST['name'];
}
if (isset($_FILES['file'])) {
    $file = $_FILES['file'];
    echo ' ', $file['name'], ' ', $file['size'], ' ',
        hash_file('fnv1a64', $file['tmp_name']);
}
