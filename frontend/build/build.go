// Package build knows how the program is compiled: it turns what the user
// points at (a linked binary, an object, an archive, a compilation database,
// plain C files with flags) into compile commands, and asks the compiler
// itself for its predefined macros and include directories.
//
// The compile command is the unit of everything that follows: what a C file
// means depends on its flags, and only the build system knows them. Rather than
// understand build systems, saz stands where the compiler stands (cmd/saz-cc),
// lets the compiler do its work, and leaves a Record in the object file. The
// linker carries the records along, so a program names its own translation
// units, and none that it was not linked from.
package build

import "saz/frontend/cpp"

// A Command is one compilation of one C source.
type Command struct {
	Dir    string   // working directory, absolute
	Args   []string // argv, Args[0] is the compiler
	File   string   // the source as it was named in Args
	Output string   // the object (or program) it was compiled into, as named; may be ""

	CC  string   // the compiler's file, where a record says it
	Sum string   // SourceSum of File when it was compiled, where a record says it
	Env []string // the variables of CompileEnv as they were, NAME=value
}

// Path returns the absolute path of the source.
func (c *Command) Path() string { return absIn(c.Dir, c.File) }

// Changed reports whether the source is known to differ from what was
// compiled. A command without a record does not know.
func (c *Command) Changed() bool {
	return c.Sum != "" && SourceSum(c.Path()) != c.Sum
}

// A Program is the commands whose objects are linked into one executable, in
// link order where that is known, otherwise by path.
type Program struct {
	Name     string // base name: "prads"
	Target   string // what the user pointed at
	Commands []Command
	Link     []string // libraries and linker flags of the link command where known: -lpcap ...
	Notes    []string // what the user should know: records that could not be read, sources of other languages
}

// A Toolchain is what a compiler said about itself for one set of flags.
type Toolchain struct {
	CC       string
	Version  string // first line of --version
	Predef   []byte
	System   []string
	Builtins cpp.Builtins
}
