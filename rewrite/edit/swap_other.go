//go:build !linux

package edit

func swap(tmp, dir string) error { return swapSlowly(tmp, dir) }
