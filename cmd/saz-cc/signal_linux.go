package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"
)

// die ends saz-cc as the compiler ended: by the signal. The Go runtime has
// handlers of its own that would turn some signals into a stack dump, so the
// default action is put back behind its back.
func die(sig syscall.Signal) {
	signal.Reset(sig)
	// The compiler has dumped core already, if it was to.
	syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
	var dfl [64]byte // struct sigaction: SIG_DFL, no flags, empty mask
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&dfl)), 0, 8, 0, 0)
	syscall.Kill(os.Getpid(), sig)
	time.Sleep(time.Second) // it comes at once; another thread may take it
	os.Exit(128 + int(sig))
}
