package edit

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// swap exchanges tmp and dir: at no moment is there no dir.
func swap(tmp, dir string) error {
	err := unix.Renameat2(unix.AT_FDCWD, tmp, unix.AT_FDCWD, dir, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		return swapSlowly(tmp, dir) // an old kernel, or a file system without
	}
	if err != nil {
		return &os.LinkError{Op: "exchange", Old: tmp, New: dir, Err: err}
	}
	return nil
}
