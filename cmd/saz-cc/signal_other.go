//go:build !linux

package main

import (
	"os"
	"syscall"
)

// die ends saz-cc with the status that a shell gives to a signal.
func die(sig syscall.Signal) { os.Exit(128 + int(sig)) }
