package slice

// TraceLater makes slices note nothing of how they came to nodes before somebody asks, until mend is called.
func TraceLater() (mend func()) {
	n := tracedLater
	tracedLater = 0
	return func() { tracedLater = n }
}
