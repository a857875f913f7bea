"""PHP-FPM beside a test: started, reloaded and ended."""

import glob
import os
import signal
import subprocess
import time

import gateway

CONFIGURATION = """\
[global]
error_log = {folder}/php-fpm.log
pid = {folder}/php-fpm.pid
daemonize = no
process_control_timeout = 10s
[soak]
listen = {folder}/php-fpm.sock
{user}pm = static
pm.max_children = {children}
pm.max_requests = {requests}
php_admin_value[post_max_size] = 0
php_admin_value[sys_temp_dir] = {folder}
"""
USER = "user = root\ngroup = root\n"


def find():
    """The path of the program, or None."""
    found = [path for pattern in ("/usr/sbin/php-fpm*", "/usr/local/sbin/"
                                  "php-fpm*")
             for path in sorted(glob.glob(pattern)) if os.access(path, os.X_OK)]
    return found[-1] if found else None


class PhpFpm:
    def __init__(self, folder, children, requests):
        self.folder = folder
        configuration = folder / "php-fpm.conf"
        configuration.write_text(CONFIGURATION.format(
            folder=folder, children=children, requests=requests,
            user=USER if os.geteuid() == 0 else ""))
        self.address = f"unix:{folder}/php-fpm.sock"
        self.process = subprocess.Popen(
            [*gateway.ENDS_WITH_US, find(), "-n", "-F", "-R", "-y",
             configuration],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.await_start()

    def await_start(self):
        """It writes its number when it listens."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            if (self.folder / "php-fpm.pid").exists():
                return
            time.sleep(0.01)
        self.stop()
        raise RuntimeError("PHP-FPM does not start: " + self.log())

    def log(self):
        path = self.folder / "php-fpm.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def reload(self):
        self.process.send_signal(signal.SIGUSR2)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
