# Sourced by ./test and by tests/servers/private.

free_ports() { # free_ports N: so many ports of 127.0.0.1 that are free at the same time
  python3 - "$1" <<'PYTHON'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets:
    s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])
PYTHON
}

free_port() { free_ports 1; }
