// Package runtime_c holds the C runtime that is linked into an instrumented program.
//
// Read saz_rt/saz_rt.h first: it is all that user code sees. saz_rt/saz_rt_int.h lists the other files in reading
// order.
package runtime_c

import (
	"embed"
	"io/fs"
	"path"
)

//go:embed saz_rt/*.h saz_rt/*.c
var files embed.FS

// Files returns the runtime's sources by file name.
func Files() map[string][]byte {
	out := map[string][]byte{}
	names, err := fs.Glob(files, "saz_rt/*")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for _, n := range names {
		data, err := files.ReadFile(n)
		if err != nil {
			panic(err)
		}
		out[path.Base(n)] = data
	}
	return out
}
