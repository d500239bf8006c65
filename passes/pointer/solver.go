package pointer

type solver struct{}
