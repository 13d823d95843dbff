//! Whole-system tests: the real binary, separate processes, real sockets
