"""Parts of HTTP/1 requests that some reader somewhere takes for something else.

%b stands for a name, %d and %x for the length of a body or of a chunk.
"""

CODINGS = [
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding:\tchunked\r\n", b"Transfer-Encoding:chunked\r\n",
    b"transfer-encoding: CHUNKED\r\n", b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b" Transfer-Encoding: chunked\r\n", b"X: y\r\n Transfer-Encoding: x\r\n",
    b"X: y\nTransfer-Encoding: chunked\r\n",
    b"X: y\rTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n", b"Transfer_Encoding: chunked\r\n",
    b"Transfer.Encoding: chunked\r\n", b"Transfer-Encoding: chunked, gzip\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: \"chunked\"\r\n",
    b"Transfer-Encoding: chunked;q=1\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding\x00: chunked\r\n", b"Transfer-Encoding: chunked \r\n",
    b"Transfer-Encoding: \r\n", b"Transfer-Encoding: ,chunked\r\n",
    b"Transfer-Encoding: identity\r\n", b"TE: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n",
    b"Transfer-Encoding: chunked\n", b"Transfer-Encoding: chunked\r",
    b"Transfer-Encoding: chunked\r\r\n",
    b"Transfer-Encoding: chunk\xc3\xa9d\r\n",
]

LENGTHS = [
    b"Content-Length: %d\r\n", b"Content-Length : %d\r\n",
    b"Content-Length:%d\r\n", b"Content-Length: +%d\r\n",
    b"Content-Length: -%d\r\n", b"Content-Length: 0x%x\r\n",
    b"Content-Length: 0%d\r\n", b"Content-Length: %d \r\n",
    b"Content-Length:\x0b%d\r\n", b"Content-Length: %d\x00\r\n",
    b"Content-Length: %d, 3\r\n", b"Content-Length: 3, %d\r\n",
    b"Content-Length: %d\r\nContent-Length: 0\r\n",
    b"Content-Length: 0\r\nContent-Length: %d\r\n",
    b"Content-Length: %d 3\r\n", b"Content-Length: \r\n %d\r\n",
    b"Content_Length: %d\r\n", b"Content-Length: %d.0\r\n",
    b"Content-Length: %de0\r\n", b"Content-Length: 1844674407370955161%d\r\n",
    b"Content-Length: 922337203685477580%d\r\n", b"Content-Length: \r\n",
    b"X: y\nContent-Length: %d\r\n", b"X: y\rContent-Length: %d\r\n",
    b" Content-Length: %d\r\n", b"Content-Length: %d\n",
    b"Content-Length: 4294967296%d\r\n",
    b"Content-Length: %d\r\nConnection: Content-Length\r\n",
]

CHUNK_LINES = [
    b"%x\r\n", b"%X\r\n", b"0%x\r\n", b"00000000000000000000%x\r\n",
    b"0x%x\r\n", b"+%x\r\n", b"-%x\r\n", b" %x\r\n", b"%x \r\n", b"%x;\r\n",
    b"%x;a\r\n", b"%x;a=b\r\n", b"%x;a=\"b;c\"\r\n", b"%x;a=\"\r\n\"\r\n",
    b"%x ; a\r\n", b"%x;a\n", b"%x;a\rb\r\n", b"%x;a\nb\r\n", b"%x\n", b"%x\r",
    b"%x\r\r\n", b"%x,1\r\n", b"%xg\r\n", b"%x;\x00\r\n",
    b"fffffffffffffff%x\r\n", b"1000000000000000%x\r\n", b"%x\t\r\n",
    b"%x=1\r\n", b"%x;a=\xff\r\n", b"%x;" + b"e" * 500 + b"\r\n",
    b"%x;a=\"\\\"\"\r\n", b"\r\n%x\r\n",
]

CHUNK_ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"", b"\r\n\r\n", b"xx", b"\r\r\n"]

LAST_CHUNKS = [b"0\r\n\r\n"] * 8 + [
    b"00\r\n\r\n", b"0;x\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"0\r\n\n", b"0\n\n",
    b"0\r\nContent-Length: 50\r\n\r\n", b"0\r\nX: a\rb\r\n\r\n",
    b"0\r\nX: a\nY: b\r\n\r\n", b"0\r\n\r\r\n", b"0\r\r\n\r\n",
    b"0\r\nbad\r\n\r\n", b"0\r\n folded\r\n\r\n", b"0 \r\n\r\n",
    b"0\r\nX: a\r\n b\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"0\r\nX: a\r\r\n\r\n", b"0\r\nX: a\r\rY: b\r\n\r\n",
    b"0\r\n" + b"T: u\r\n" * 400 + b"\r\n", b"", b"0\r\nX : a\r\n\r\n",
    b"0\r\nX\x00: a\r\n\r\n", b"-0\r\n\r\n", b"0\r\n\rX\r\n\r\n",
]

LINES = [
    b"X: a\r\n folded\r\n", b"X: a\r\n\tfolded\r\n", b"no colon\r\n",
    b": no name\r\n", b"X : space\r\n", b"X: a\rb\r\n", b"X: a\x00b\r\n",
    b"X: a\nY: b\r\n", b"X: \xff\xfe\r\n", b"X\xff: a\r\n", b"X(y): a\r\n",
    b"Host: other\r\n", b"Host:\r\n", b"Proxy: http://127.0.0.1:9/\r\n",
    b"X_Y: folded\r\nX-Y: own\r\n", b"X.Y: folded\r\n", b"Content-Type: a\r\n",
    b"Content-Type: a\r\nContent-Type: b\r\n", b"Cookie: a=1\r\nCookie: b\r\n",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n",
    b"Connection: keep-alive, close\r\n", b"Connection: X-Trusted\r\n",
    b"X-Trusted: 1\r\n", b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
    b"Expect: 100-continue\r\n", b"Expect: x\r\n", b"\r\n", b"\n", b"\r",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"HTTP2-Settings: AA\r\n", b"X:\t a \t\r\n", b"X:\r\n", b"X: a\x7f\r\n",
    b"Keep-Alive: timeout=5\r\n", b"Connection: close, X\r\n",
    b"SCRIPT_FILENAME: /etc/passwd\r\n", b"Remote-Addr: 10.0.0.1\r\n",
]

TARGETS = [
    b"/%%2e%%2e/%b", b"/../%b", b"/a/../../%b", b"/%%00%b", b"/a%%0d%%0a%b",
    b"/%%zz%b", b"%b", b"//%b", b"/./%b", b"/a/..%%2f..%%2f%b", b"/%b#x",
    b"/%b\\..\\..", b"http://test/%b", b"http://other:80/%b?x",
    b"HTTPS://[::1]/%b", b"ftp://t/%b", b"http:///%b", b"*", b"/%b?\x01",
    b"/%b?\xff", b"/\xff%b", b"/%b x", b"/%b.php/x", b"/x.PHP%%5c..%%5c%b",
    b"/%b?a=%%00", b"/%b;a=b", b"?%b", b"/%b?" + b"q" * 3000, b"test:80",
    b"http://a@b/%b", b"/%b?\"<>", b"/%b/../x",
]

VERSIONS = [
    b"HTTP/1.0", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9",
    b"HTTP/1.1x", b"http/1.1", b"HTTP/01.1", b"HTTP/1.10", b"HTTQ/1.1",
    b"RTSP/1.0", b"ICE/1.0", b"HTTP/", b"HTTP/1", b"", b"HTTP /1.1",
    b"HTTP/1.1 ", b"HTTP/1,1",
]

METHODS = [
    b"CONNECT", b"TRACE", b"BREW", b"get", b"GET\t", b"G\x00T", b"", b"PRI",
    b"DESCRIBE", b"SETUP", b"PLAY", b"SOURCE", b"PURGE", b"MKCOL", b"M-SEARCH",
    b"GETGET", b"G" * 100, b"\xffGET", b" GET", b"GET ", b"ANNOUNCE", b"FLUSH",
]

SPECIAL = [b"\r", b"\n", b"\0", b" ", b"\t", b"\r\n", b":", b"\r\n\r\n", b",",
           b";", b"\x0b", b"\xff", b"%", b"0", b"/", b"\""]
