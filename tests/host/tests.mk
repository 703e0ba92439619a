# Host tests: each is one binary from tests/host/NAME.c and the kernel files it tests, unmodified.
# NAME-srcs: kernel sources; NAME-host: support files of tests/host; NAME-include: extra include paths put first.
HOST_TESTS :=
