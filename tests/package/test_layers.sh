# Only the upper steps of the stair know sockets, clocks and threads. All else
# includes no such header, not even by way of another.
. "$(dirname "$0")/package.sh"

upper="address clock fork net io lease evictor pool call do client"
forbidden='sys/(socket|un|time|select|epoll)|netinet/[a-z]*|arpa/inet|netdb'
forbidden="/($forbidden|poll|time|pthread|threads|semaphore)\.h"

for source in "$root"/src/*.c; do
    case " $upper " in
    *" $(basename "$source" .c) "*) continue ;;
    esac
    $CC -std=c11 -M -I"$root/include" "$source" >includes
    if grep -E "$forbidden" includes; then
        fail "$source includes these"
    fi
done
