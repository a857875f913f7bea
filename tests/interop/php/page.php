<?php
// A page for a browser: its script has the pictures shown, posts a form, sends
// a file, and writes down what it sees. The session counts what it asks.
session_save_path(sys_get_temp_dir());
session_start();
$_SESSION['visits'] = 1;
?>
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>page</title></head>
<body>
<?php for ($size = 1; $size <= 6; $size++): ?>
<img src="picture.php?size=<?= $size * 50 ?>" alt="">
<?php endfor ?>
<form id="form" method="post" action="visit.php" target="frame">
<input name="name" value="a &amp; ü = 100%">
</form>
<iframe name="frame" id="frame"></iframe>
<pre id="seen"></pre>
<script>
const see = (text) => { document.getElementById('seen').textContent += text + '\n'; };

function seePictures() {
    for (const image of document.images) {
        see('picture ' + image.naturalWidth + ' x ' + image.naturalHeight);
    }
}

function postForm() {
    const frame = document.getElementById('frame');
    return new Promise((resolve) => {
        frame.onload = () => {
            see('form ' + frame.contentDocument.body.textContent);
            resolve();
        };
        document.getElementById('form').submit();
    });
}

async function sendFile() {
    let lines = '';
    for (let line = 0; line < 65536; line++) {
        lines += line.toString(16).padStart(15, '0') + '\n';
    }
    const form = new FormData();
    form.append('file', new Blob([lines]), 'lines.txt');
    const answer = await fetch('visit.php', {method: 'POST', body: form});
    see('file ' + await answer.text());
}

window.onload = async () => {
    seePictures();
    await postForm();
    await sendFile();
    see('end');
};
</script>
</body>
</html>
