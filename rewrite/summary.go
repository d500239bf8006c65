package rewrite

import "fmt"

// Summary says in a line what was done.
func (r *Result) Summary() string {
	always := ""
	if n := r.Marks.Always; n > 0 {
		always = fmt.Sprintf(", %d of them announced with each packet", n)
	}
	return fmt.Sprintf("%d variables tracked%s, %d marks (%d pruned) in %d files, %d allocation sites",
		len(r.Plan.Vars), always, r.Marks.Placed, len(r.Marks.Pruned), len(r.Patched), len(r.Plan.Sites))
}

// MarksIn counts the marks of a file, by its name in the tree.
func (r *Result) MarksIn(name string) int { return r.edits[name][0] }

// OtherEdits counts what else is inserted into or replaced in a file.
func (r *Result) OtherEdits(name string) int { return r.edits[name][1] }
