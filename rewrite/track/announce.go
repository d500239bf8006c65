package track

import (
	"cmp"
	"maps"
	"slices"

	"saz/ir"
	"saz/passes/persist"
	"saz/passes/plan"
)

/*
Variables that are announced with each packet.

A mark costs an instruction each time it runs, and says least where it runs for nearly each packet. So as many variables go without as it takes
for the marks of the others to be no more than a thousandth of what runs for a packet, or two, by a guess from the text (often.go); those first that have most. Such a variable's
byte of saz_updated is 1 from the program's start on and is never cleared: that is an update announced that may not have happened, which is
allowed, where one that happens without being announced is not. They have the first numbers, and a packet begins by clearing the bytes behind theirs.

With Options.Exact each variable has its marks; the numbers are the same, so that the images of both builds are.
*/

// So many marks may run for a packet, or this share of what does.
const (
	marksForPacket = 2
	marksForWork   = 0.001
)

// announced returns the variables that go without marks, by number.
func (p *placer) announced(need needs, drops map[ir.FuncID]map[int32][]int, extras map[ir.FuncID][]extra) []int {
	often := p.frequencies()
	sum := make([]float64, len(p.pl.Vars))
	fids := make([]ir.FuncID, 0, len(need))
	for f := range need {
		fids = append(fids, f)
	}
	slices.Sort(fids)
	for _, f := range fids {
		places := map[site]map[int]float64{} // one statement has one mark, however many instructions need it
		note := func(s site, i int32, v int) {
			if places[s] == nil {
				places[s] = map[int]float64{}
			}
			places[s][v] = max(places[s][v], often.of(ir.Ref{Func: f, I: i}))
		}
		for i, list := range need[f] {
			s, ok := siteOf(p.c.Prog.Funcs[f], i)
			for _, v := range list {
				if ok && !has(drops[f][i], v) {
					note(s, i, v)
				}
			}
		}
		for _, x := range extras[f] {
			note(x.s, x.i, x.v)
		}
		mine := map[int][]float64{}
		for _, m := range places {
			for v, n := range m {
				mine[v] = append(mine[v], n)
			}
		}
		for v, list := range mine { // sums of floats depend on their order
			slices.Sort(list)
			for _, n := range list {
				sum[v] += n
			}
		}
	}
	order := make([]int, len(sum))
	left := 0.0
	for v := range order {
		order[v] = v
		left += sum[v]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sum[b], sum[a]) })
	n, most := 0, max(marksForPacket, often.work()*marksForWork)
	for n < len(order) && left > most {
		left = 0 // and not by subtraction: a sum of many may hide a few
		n++
		for _, v := range order[n:] {
			left += sum[v]
		}
	}
	out := order[:n]
	slices.Sort(out)
	return out
}

// renumber gives the variables in first the first numbers.
func (p *placer) renumber(first []int, need needs, drops map[ir.FuncID]map[int32][]int, extras map[ir.FuncID][]extra) {
	p.res.Plan = p.pl
	if len(first) == 0 {
		return
	}
	order := slices.Clone(first) // new number → old
	for v := range p.pl.Vars {
		if !has(first, v) {
			order = append(order, v)
		}
	}
	number := make([]int, len(order))
	pl := *p.pl
	pl.Vars, pl.Index = make([]plan.Var, len(order)), map[persist.VarID]int{}
	for v, old := range order {
		number[old] = v
		pl.Vars[v] = p.pl.Vars[old]
		pl.Index[pl.Vars[v].Var] = v
	}
	p.pl, p.res.Plan = &pl, &pl
	re := func(m map[int32][]int) {
		for i, list := range m {
			list = slices.Clone(list)
			for k, v := range list {
				list[k] = number[v]
			}
			slices.Sort(list)
			m[i] = list
		}
	}
	for f := range need {
		re(need[f])
	}
	for f := range drops {
		re(drops[f])
	}
	for f := range extras {
		for k := range extras[f] {
			extras[f][k].v = number[extras[f][k].v]
		}
	}
}

// without drops the needs of the first n variables.
func without(n int, need needs, drops map[ir.FuncID]map[int32][]int, extras map[ir.FuncID][]extra) {
	first := func(v int) bool { return v < n }
	for f, m := range need {
		for i := range m {
			if m[i] = slices.DeleteFunc(m[i], first); len(m[i]) == 0 {
				delete(m, i)
			}
		}
		if len(m) == 0 {
			delete(need, f)
		}
	}
	for f := range extras {
		extras[f] = slices.DeleteFunc(extras[f], func(x extra) bool { return first(x.v) })
	}
	for _, m := range drops {
		maps.DeleteFunc(m, func(_ int32, list []int) bool { return len(list) == 0 })
	}
}
