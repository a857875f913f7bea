#!/bin/sh
# What a request costs in a gateway: CPU time, of fcgi-gateway and of the
# servers that are installed here, all in front of the same application.
#
#     sh tests/bench/gateways.sh [ROUNDS [SECONDS]]
#
# Each gateway has one worker, no access log, and keeps its connections to the
# application where it can: the application counts them, and the table tells how
# many a request took (lighttpd and Caddy take a new one each time). wrk asks
# over 16 connections. The gateways take turns, so that what else goes on here
# hits all of them; the table has the median of the rounds, in microseconds of
# user and system time of all processes of a gateway for each request.

set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/building.sh"
rounds=${1-5}
seconds=${2-2}
clients=16
PATH=$PATH:/usr/sbin:/usr/local/sbin

help_if_asked "$@"
[ $# -le 2 ] || die "expected ROUNDS and SECONDS, not '$3' too"
need_number ROUNDS "$rounds" 1 10000
need_number SECONDS "$seconds" 1 10000

has() {
    command -v "$1" >/dev/null
}

for program in wrk curl cmake cc setsid; do
    has "$program" || die "please install $program"
done

folder=$(mktemp -d "${TMPDIR:-/tmp}/fcgi-client.XXXXXX") || exit 3
groups=

# Every program here leads a process group.
alive() {
    for group in $groups; do
        ! kill -0 "-$group" 2>/dev/null || return 0
    done
    return 1
}

end_all() {
    for group in $groups; do
        kill "-$1" "-$group" 2>/dev/null
    done
}

clean() {
    trap '' HUP INT TERM
    end_all TERM
    tries=0
    while alive && [ $tries -lt 50 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    end_all KILL
    rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# Two processors: one for the gateway, the other for all else.
there=
elsewhere=
if has taskset && [ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ]; then
    there='taskset -c 0'
    elsewhere='taskset -c 1'
fi

# ---- The application --------------------------------------------------------

socket=$folder/app.sock
cc -O2 "$root/tests/bench/gateway_responder.c" \
    -o "$folder/responder" || die "the responder does not build"
setsid $elsewhere "$folder/responder" "$socket" &
groups=$!

{
    cmake -S "$root" -B "$folder/build" -DCMAKE_BUILD_TYPE=Release \
        -DFCGI_CLIENT_TESTS=OFF &&
        cmake --build "$folder/build" --parallel --target fcgi-gateway
} >"$folder/log" 2>&1 || die "fcgi-gateway does not build: $(tail "$folder/log")"

# ---- The gateways -----------------------------------------------------------

mkdir "$folder/tmp"
names=
port=$((31000 + $$ % 1000)) # below those that systems hand out

# ask PORT TARGET
ask() {
    curl -sf --noproxy '*' "http://127.0.0.1:$1$2"
}

# Whether the large answer comes through whole.
serves() {
    [ "$(ask "$port" /large | wc -c)" = 1000000 ]
}

# start NAME PROGRAM ARGUMENT...
start() {
    name=$1
    shift
    setsid $there "$@" >"$folder/$name.log" 2>&1 &
    pid=$!
    groups="$groups $pid"
    tries=0
    until serves; do
        tries=$((tries + 1))
        if [ $tries = 50 ] || ! kill -0 "$pid" 2>/dev/null; then
            echo "$name does not serve: $(tail -n 3 "$folder/$name.log")"
            return
        fi
        sleep 0.1
    done
    names="$names $name"
    eval "port_$name=$port pid_$name=$pid"
    port=$((port + 1))
}

start_fcgi_gateway() {
    start fcgi_gateway "$folder/build/bin/fcgi-gateway" \
        --listen "127.0.0.1:$port" --upstream "unix:$socket" --root /srv
}

start_nginx() {
    cat >"$folder/nginx.conf" <<END
daemon off;
user root;
worker_processes 1;
pid $folder/nginx.pid;
error_log stderr crit;
events { worker_connections 512; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path $folder/tmp;
    fastcgi_temp_path $folder/tmp;
    proxy_temp_path $folder/tmp;
    scgi_temp_path $folder/tmp;
    uwsgi_temp_path $folder/tmp;
    upstream app {
        server unix:$socket;
        keepalive 32;
        keepalive_requests 1000000000;
    }
    server {
        listen 127.0.0.1:$port;
        location / {
            fastcgi_pass app;
            fastcgi_keep_conn on;
            fastcgi_buffer_size 16k;
            fastcgi_buffers 64 16k;
            fastcgi_busy_buffers_size 64k;
            fastcgi_max_temp_file_size 0;
            fastcgi_param QUERY_STRING \$query_string;
            fastcgi_param REQUEST_METHOD \$request_method;
            fastcgi_param CONTENT_TYPE \$content_type;
            fastcgi_param CONTENT_LENGTH \$content_length;
            fastcgi_param SCRIPT_NAME \$fastcgi_script_name;
            fastcgi_param SCRIPT_FILENAME /srv\$fastcgi_script_name;
            fastcgi_param REQUEST_URI \$request_uri;
            fastcgi_param DOCUMENT_URI \$document_uri;
            fastcgi_param DOCUMENT_ROOT /srv;
            fastcgi_param SERVER_PROTOCOL \$server_protocol;
            fastcgi_param REQUEST_SCHEME \$scheme;
            fastcgi_param GATEWAY_INTERFACE CGI/1.1;
            fastcgi_param SERVER_SOFTWARE nginx/\$nginx_version;
            fastcgi_param REMOTE_ADDR \$remote_addr;
            fastcgi_param REMOTE_PORT \$remote_port;
            fastcgi_param SERVER_ADDR \$server_addr;
            fastcgi_param SERVER_PORT \$server_port;
            fastcgi_param SERVER_NAME \$server_name;
        }
    }
}
END
    start nginx nginx -e stderr -p "$folder" -c "$folder/nginx.conf"
}

start_haproxy() {
    cat >"$folder/haproxy.cfg" <<END
global
    nbthread 1
    maxconn 512
defaults
    mode http
    option http-keep-alive
    timeout connect 5s
    timeout client 60s
    timeout server 60s
fcgi-app app
    docroot /srv
    index index.php
    option keep-conn
frontend web
    bind 127.0.0.1:$port
    default_backend application
backend application
    use-fcgi-app app
    http-reuse always
    server one unix@$socket proto fcgi pool-max-conn 32
END
    start haproxy haproxy -db -f "$folder/haproxy.cfg"
}

start_lighttpd() {
    cat >"$folder/lighttpd.conf" <<END
server.modules = ("mod_fastcgi")
server.document-root = "/srv"
server.bind = "127.0.0.1"
server.port = $port
server.upload-dirs = ("$folder/tmp")
server.max-keep-alive-requests = 1000000000
server.stream-response-body = 1
fastcgi.server = ("/" => ((
    "socket" => "$socket", "check-local" => "disable")))
END
    start lighttpd lighttpd -D -f "$folder/lighttpd.conf"
}

start_h2o() {
    cat >"$folder/h2o.conf" <<END
num-threads: 1
user: root
temp-buffer-path: $folder/tmp
listen:
  host: 127.0.0.1
  port: $port
hosts:
  default:
    paths:
      /:
        fastcgi.connect:
          port: $socket
          type: unix
        fastcgi.document_root: /srv
        fastcgi.timeout.keepalive: 60000
END
    start h2o h2o -c "$folder/h2o.conf"
}

start_apache2() {
    modules=$(ls -d /usr/lib/apache2/modules /usr/lib/httpd/modules \
        2>/dev/null | head -n 1)
    cat >"$folder/apache2.conf" <<END
ServerRoot $folder
ServerName localhost
DefaultRuntimeDir $folder
PidFile $folder/apache2.pid
ErrorLog $folder/apache2.err
LogLevel crit
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule proxy_module $modules/mod_proxy.so
LoadModule proxy_fcgi_module $modules/mod_proxy_fcgi.so
Listen 127.0.0.1:$port
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
StartServers 1
ServerLimit 1
ThreadsPerChild 32
MaxRequestWorkers 32
MinSpareThreads 1
MaxSpareThreads 32
ProxyPass "/" "unix:$socket|fcgi://localhost/srv/" enablereuse=on
END
    start apache2 apache2 -X -d "$folder" -f "$folder/apache2.conf"
}

start_caddy() {
    cat >"$folder/Caddyfile" <<END
{
    admin off
    auto_https off
    log {
        output discard
    }
}
http://127.0.0.1:$port {
    reverse_proxy unix/$socket {
        transport fastcgi {
            root /srv
            split .php
        }
    }
}
END
    start caddy env GOMAXPROCS=1 HOME="$folder" \
        caddy run --adapter caddyfile --config "$folder/Caddyfile"
}

start_fcgi_gateway
for name in nginx haproxy lighttpd h2o apache2 caddy; do
    if has "$name"; then
        "start_$name"
    else
        echo "$name is not installed"
    fi
done

# ---- Measuring --------------------------------------------------------------

# ticks PID: of all processes in its group, user and system.
ticks() {
    cat /proc/[0-9]*/stat 2>/dev/null | sed 's/^[0-9]* (.*) //' |
        awk -v group="$1" '$3 == group { sum += $12 + $13 } END { print sum+0 }'
}

# measure NAME TARGET: a line with the time of a request, requests a second, and
# connections to the application for each request.
measure() {
    eval "port=\$port_$1 pid=\$pid_$1"
    dialled=$(ask "$port" /accepted)
    before=$(ticks "$pid")
    $elsewhere wrk -t1 -c "$clients" -d "${seconds}s" \
        "http://127.0.0.1:$port$2" >"$folder/wrk" 2>&1
    after=$(ticks "$pid")
    dialled=$(($(ask "$port" /accepted) - dialled))
    if grep -q 'Non-2xx\|Socket errors' "$folder/wrk"; then
        echo "$1: $(grep 'Non-2xx\|Socket errors' "$folder/wrk")" >&2
    fi
    awk -v us="$(((after - before) * 1000000 / $(getconf CLK_TCK)))" \
        -v dialled="$dialled" '
        / requests in / { count = $1 }
        /^Requests\/sec/ { rate = $2 }
        END { if (count > 0) print us / count, rate, dialled / count }
    ' "$folder/wrk" >>"$folder/$1$(echo "$2" | tr / .)"
}

# median FILE COLUMN
median() {
    awk -v column="$2" '{ print $column }' "$1" | sort -n |
        awk '{ at[NR] = $1 } END { print at[int((NR + 1) / 2)] }'
}

for name in $names; do
    measure "$name" /small
done
rm -f "$folder"/*.small

round=0
while [ $round -lt "$rounds" ]; do
    round=$((round + 1))
    for name in $names; do
        measure "$name" /small
        measure "$name" /large
    done
done

uname -srm
echo "$(getconf _NPROCESSORS_ONLN) processors, $clients clients," \
    "$rounds rounds of $seconds s; CPU time a request in microseconds"
row() {
    printf '%-14s %10s %9s %6s %11s %9s %6s\n' "$@"
}
row '' '100 bytes' 'a second' dials '1,000,000' 'a second' dials
for name in $names; do
    set --
    for file in "$folder/$name.small" "$folder/$name.large"; do
        set -- "$@" "$(printf %.1f "$(median "$file" 1)")" \
            "$(printf %.0f "$(median "$file" 2)")" \
            "$(printf %.2f "$(median "$file" 3)")"
    done
    row "$(echo "$name" | tr _ -)" "$@"
done
