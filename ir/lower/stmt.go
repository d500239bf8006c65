package lower

import (
	"saz/frontend/check"
	"saz/frontend/ctype"
	"saz/ir"
)

// body lowers the function's body and what falls off its end.
func (b *fb) body() {
	body := b.def.Body
	b.scopes = append(b.scopes, scope{stmt: body})
	for _, s := range body.List {
		b.lowerStmt(s)
	}
	b.atEnd(body)
	b.leave(0)
	b.leaveFrame()
	ret := ir.Instr{Op: ir.Ret}
	if t := b.f.Type.Elem; t.Kind != ctype.Void {
		ret.A, ret.Type = ir.Undef, t
		if b.f.Name == "main" {
			ret.A = ir.Int(0)
		}
	}
	b.end(nil, ret)
}

// enterStmt makes s the statement that instructions belong to.
func (b *fb) enterStmt(s *check.Stmt) {
	b.stmts = append(b.stmts, s)
	b.stmt = int32(len(b.stmts) - 1)
	b.stmtPos = ir.Pos{Unit: b.id, Tok: s.Tok, End: s.End}
}

// atEnd puts the position of what follows on the closing brace of s.
func (b *fb) atEnd(s *check.Stmt) {
	b.stmtPos = ir.Pos{Unit: b.id, Tok: max(s.End-1, s.Tok), End: s.End}
}

func (b *fb) lowerStmt(s *check.Stmt) {
	if s == nil {
		return
	}
	oldStmt, oldPos := b.stmt, b.stmtPos
	b.enterStmt(s)
	b.stmtCase(s)
	b.stmt, b.stmtPos = oldStmt, oldPos
}

func (b *fb) stmtCase(s *check.Stmt) {
	switch s.Kind {
	case check.Compound:
		b.openScope(s)
		for _, x := range s.List {
			b.lowerStmt(x)
		}
		b.atEnd(s)
		b.closeScope()
	case check.ExprStmt:
		if s.X != nil {
			b.effect(s.X)
		}
	case check.DeclStmt:
		b.decls(s)
	case check.If:
		yes, no := b.newBlock(), b.newBlock()
		join := no
		if s.Else != nil {
			join = b.newBlock()
		}
		b.cond(s.X, yes, no)
		b.start(yes)
		b.lowerStmt(s.Then)
		b.jump(join)
		if s.Else != nil {
			b.start(no)
			b.lowerStmt(s.Else)
			b.jump(join)
		}
		b.start(join)
	case check.While:
		head, body, out := b.newBlock(), b.newBlock(), b.newBlock()
		b.enter(head)
		b.cond(s.X, body, out)
		b.start(body)
		b.loopBody(s, out, head)
		b.jump(head)
		b.start(out)
	case check.DoWhile:
		body, test, out := b.newBlock(), b.newBlock(), b.newBlock()
		b.enter(body)
		b.loopBody(s, out, test)
		b.enter(test)
		b.cond(s.X, body, out)
		b.start(out)
	case check.For:
		b.openScope(s)
		if s.Init != nil {
			// The header's instructions belong to the for statement.
			if s.Init.Kind == check.DeclStmt {
				b.decls(s.Init)
			} else if s.Init.X != nil {
				b.effect(s.Init.X)
			}
		}
		head, body, post, out := b.newBlock(), b.newBlock(), b.newBlock(), b.newBlock()
		b.enter(head)
		if s.X != nil {
			b.cond(s.X, body, out)
			b.start(body)
		} else {
			b.enter(body)
		}
		b.loopBody(s, out, post)
		b.enter(post)
		if s.Post != nil {
			b.effect(s.Post)
		}
		b.jump(head)
		b.start(out)
		b.closeScope()
	case check.Switch:
		b.switchStmt(s)
	case check.Case, check.Default:
		b.caseStmt(s)
	case check.Labeled:
		b.enter(b.labelBlock(s.Label))
		b.lowerStmt(s.Then)
	case check.Goto:
		if s.Label.Func != b.def {
			b.jumpOut(s.Label)
			b.dead()
			break
		}
		b.leaveFor(s.Label)
		b.jump(b.labelBlock(s.Label))
		b.dead()
	case check.GotoPtr:
		v := b.rv(s.X)
		b.labelUse = true
		b.end(nil, ir.Instr{Op: ir.IndirectJump, A: v})
		b.dead()
	case check.Break, check.Continue:
		t := b.target(s.Target)
		if t == nil {
			panic(unsupported{s.Tok, "break or continue without a target"})
		}
		to := t.brk
		if s.Kind == check.Continue {
			to = t.cont
		}
		b.leave(t.depth)
		b.jump(to)
		b.dead()
	case check.Return:
		b.returnStmt(s)
	case check.AsmStmt:
		b.asm(s)
	default:
		panic(unsupported{s.Tok, "this statement"})
	}
}

func (b *fb) target(s *check.Stmt) *target {
	for i := len(b.targets) - 1; i >= 0; i-- {
		if b.targets[i].stmt == s {
			return &b.targets[i]
		}
	}
	return nil
}

func (b *fb) loopBody(s *check.Stmt, brk, cont ir.BlockID) {
	b.targets = append(b.targets, target{stmt: s, brk: brk, cont: cont, depth: len(b.scopes)})
	b.lowerStmt(s.Then)
	b.targets = b.targets[:len(b.targets)-1]
}

// ---- declarations and scopes

func (b *fb) openScope(s *check.Stmt) {
	b.scopes = append(b.scopes, scope{stmt: s})
	b.births(s)
}

// births emits the LifeStart of what is declared directly in s.
func (b *fb) births(s *check.Stmt) {
	if s.Kind == check.For {
		b.birth(s.Init)
		return
	}
	for _, x := range s.List {
		b.birth(x)
	}
}

func (b *fb) birth(s *check.Stmt) {
	for s != nil && (s.Kind == check.Labeled || s.Kind == check.Case || s.Kind == check.Default) {
		s = s.Then
	}
	if s == nil || s.Kind != check.DeclStmt {
		return
	}
	for _, o := range s.Decls {
		if o.Storage != check.Auto || o.Type.Kind == ctype.Func {
			continue
		}
		if id, ok := b.local(o); ok {
			b.do(nil, ir.Instr{Op: ir.LifeStart, A: ir.Value{Kind: ir.VLocal, ID: int32(id)}})
		}
	}
}

func (b *fb) closeScope() {
	b.leave(len(b.scopes) - 1)
	b.scopes = b.scopes[:len(b.scopes)-1]
}

func (b *fb) decls(s *check.Stmt) {
	for _, o := range s.Decls {
		if o.Storage != check.Auto || o.Type.Kind == ctype.Func {
			continue
		}
		id, ok := b.local(o)
		if !ok {
			continue
		}
		at := &check.Expr{Tok: o.Tok, End: o.Tok + 1, Type: o.Type}
		top := &b.scopes[len(b.scopes)-1]
		v := ir.Value{Kind: ir.VLocal, ID: int32(id)}
		if _, vla := b.vlaOf[o]; vla {
			b.vla(at, o, v, top)
		}
		if o.Init != nil {
			e := at
			if o.Init.End > o.Tok {
				e = &check.Expr{Tok: o.Tok, End: o.Init.End, Type: o.Type}
			}
			b.initDecl(e, v, o)
		}
		if o.Cleanup != nil {
			top = &b.scopes[len(b.scopes)-1]
			top.items = append(top.items, leaving{tok: o.Tok, obj: o, save: -1})
		}
	}
}

// initDecl runs the initialiser of a declared object. The store of a scalar
// covers the declarator and the initialiser.
func (b *fb) initDecl(e *check.Expr, v ir.Value, o *check.Object) {
	init := o.Init
	if len(init.Items) == 1 && !inMemory(o.Type) && o.Type.Kind != ctype.Vector && init.Items[0].Off == 0 {
		x := b.rv(init.Items[0].X)
		b.do(e, ir.Instr{Op: ir.Store, A: v, B: x, Type: accessType(o.Type), Volatile: isVolatile(o.Type)})
		return
	}
	b.initObject(e, v, o.Type, init)
}

// vla makes the storage of a variable length array. The first of a scope saves
// the stack so that leaving the scope frees it.
func (b *fb) vla(e *check.Expr, o *check.Object, v ir.Value, top *scope) {
	if top.stmt != b.def.Body || b.hasLabels() {
		pt := b.ptrTo(ctype.TVoid)
		save := b.temp(pt)
		sp := b.value(e, pt, ir.Instr{Op: ir.Builtin, Name: "stack_save", Type: pt})
		b.do(e, ir.Instr{Op: ir.Store, A: save, B: sp, Type: pt})
		top.items = append(top.items, leaving{tok: o.Tok, save: save.ID})
	}
	t := b.locals[v.ID].Type
	p := b.stackBlock(e, b.sizeOf(e, o.Type), max(o.Align, ctype.AlignOf(o.Type)), t, 0)
	b.do(e, ir.Instr{Op: ir.Store, A: v, B: p, Type: t})
}

func (b *fb) hasLabels() bool { return len(b.def.Labels) > 0 }

// leave does what leaving the scopes from depth on asks for, innermost first.
func (b *fb) leave(depth int) {
	for i := len(b.scopes) - 1; i >= depth; i-- {
		items := b.scopes[i].items
		for k := len(items) - 1; k >= 0; k-- {
			b.leaveItem(items[k])
		}
	}
}

// leaveFor does what a jump to a label asks for: everything that is not alive
// at the label ends.
func (b *fb) leaveFor(l *check.Label) {
	for i := len(b.scopes) - 1; i >= 0; i-- {
		sc := &b.scopes[i]
		if len(sc.items) == 0 {
			continue
		}
		inside := l.Stmt != nil && contains(sc.stmt, l.Stmt)
		for k := len(sc.items) - 1; k >= 0; k-- {
			if inside && sc.items[k].tok < l.Stmt.Tok {
				continue
			}
			b.leaveItem(sc.items[k])
		}
	}
}

// contains reports whether s is inside outer.
func contains(outer, s *check.Stmt) bool {
	for s != nil {
		if s == outer {
			return true
		}
		if s.Up == nil {
			s = s.UpExpr
		} else {
			s = s.Up
		}
	}
	return false
}

func (b *fb) leaveItem(it leaving) {
	if it.save >= 0 {
		pt := b.ptrTo(ctype.TVoid)
		sp := b.value(nil, pt, ir.Instr{Op: ir.Load, A: ir.Value{Kind: ir.VLocal, ID: it.save}, Type: pt})
		b.do(nil, ir.Instr{Op: ir.Builtin, Name: "stack_restore", Type: ctype.TVoid, Args: []ir.Value{sp}, ArgTypes: []*ctype.Type{pt}})
		return
	}
	f := it.obj.Cleanup
	addr := b.objAddr(&check.Expr{Tok: it.tok, End: it.tok + 1, Type: it.obj.Type}, it.obj)
	b.callPlain(f, []ir.Value{addr}, []*ctype.Type{b.ptrTo(it.obj.Type)})
}

// callPlain calls a function for its effects.
func (b *fb) callPlain(f *check.Object, args []ir.Value, types []*ctype.Type) {
	fn := b.funcRef(f)
	in := ir.Instr{Op: ir.Call, A: fn, Args: args, ArgTypes: types, Type: f.Type.Elem.Unqualified(), Opnd: f.Type}
	at := &check.Expr{Tok: b.stmtPos.Tok, End: b.stmtPos.End}
	b.result(at, f.Type.Elem, in)
}

// ---- switch, labels, return

func (b *fb) switchStmt(s *check.Stmt) {
	v := b.rv(s.X)
	// Objects of the body's outermost scope are born here: no path enters it at its head.
	if s.Then != nil && s.Then.Kind == check.Compound {
		b.births(s.Then)
	}
	out := b.newBlock()
	dispatch := b.cur
	b.end(s.X, ir.Instr{Op: ir.Switch, A: v, Opnd: s.X.Type.Unqualified()})
	at := b.blocks[dispatch].hi - 1
	b.targets = append(b.targets, target{stmt: s, brk: out, cont: -1, depth: len(b.scopes), dflt: -1})
	b.dead()
	b.lowerStmt(s.Then)
	t := b.targets[len(b.targets)-1]
	b.targets = b.targets[:len(b.targets)-1]
	b.jump(out)
	b.start(out)
	if t.dflt < 0 {
		t.dflt = out
	}
	in := &b.instrs[at]
	if isConst(v) {
		to := t.dflt
		for i, c := range t.cases {
			if in.Opnd.IsSigned() && v.Off >= c.Lo && v.Off <= c.Hi ||
				!in.Opnd.IsSigned() && uint64(v.Off) >= uint64(c.Lo) && uint64(v.Off) <= uint64(c.Hi) {
				to = t.to[i]
				break
			}
		}
		in.Op, in.A, in.Opnd = ir.Jump, ir.Value{}, nil
		b.blocks[dispatch].succs = []ir.BlockID{to}
		return
	}
	in.Cases = t.cases
	b.blocks[dispatch].succs = append(t.to, t.dflt)
}

func (b *fb) caseStmt(s *check.Stmt) {
	t := b.target(s.Target)
	if t == nil {
		panic(unsupported{s.Tok, "a case label outside a switch"})
	}
	blk := b.newBlock()
	b.enter(blk)
	if s.Kind == check.Default {
		t.dflt = blk
	} else if c := b.caseRange(s, t.stmt.X.Type); c != nil {
		t.cases = append(t.cases, *c)
		t.to = append(t.to, blk)
	}
	b.lowerStmt(s.Then)
}

// caseRange is the range of a label in the type of the switch, nil if empty.
func (b *fb) caseRange(s *check.Stmt, t *ctype.Type) *ir.CaseRange {
	lo, hi := wrap(s.LoVal, t), wrap(s.LoVal, t)
	if s.Hi != nil {
		hi = wrap(s.HiVal, t)
		if t.IsSigned() && lo > hi || !t.IsSigned() && uint64(lo) > uint64(hi) {
			return nil
		}
	}
	return &ir.CaseRange{Lo: lo, Hi: hi}
}

func (b *fb) labelBlock(l *check.Label) ir.BlockID {
	for i, x := range b.def.Labels {
		if x != l {
			continue
		}
		if b.labels[i] < 0 {
			b.labels[i] = b.newBlock()
		}
		return b.labels[i]
	}
	panic(unsupported{b.stmtPos.Tok, "a label of another function"})
}

func (b *fb) labelAddr(l *check.Label) ir.BlockID {
	b.labelUse = true
	return b.labelBlock(l)
}

func (b *fb) returnStmt(s *check.Stmt) {
	t := b.f.Type.Elem
	ret := ir.Instr{Op: ir.Ret}
	switch {
	case s.X == nil:
		if t.Kind != ctype.Void {
			ret.A, ret.Type = ir.Undef, t
		}
	case t.Kind == ctype.Void:
		b.effect(s.X)
	default:
		ret.A, ret.Type = b.rv(s.X), t.Unqualified()
		if ret.A.Kind == ir.NoVal {
			ret.A = ir.Undef
		}
		if inMemory(t) && b.leaves() {
			tmp := b.temp(t)
			b.do(s.X, ir.Instr{Op: ir.Copy, A: tmp, B: ret.A, Type: t.Unqualified()})
			ret.A = tmp
		}
	}
	b.leave(0)
	b.leaveFrame()
	b.end(nil, ret)
	b.dead()
}

// leaves reports whether leaving the function runs anything.
func (b *fb) leaves() bool {
	for i := range b.scopes {
		if len(b.scopes[i].items) > 0 {
			return true
		}
	}
	return false
}

// stmtExpr lowers ({ ... }) and returns the value of its last expression.
func (b *fb) stmtExpr(e *check.Expr, want bool) ir.Value {
	body := e.Body
	oldStmt, oldPos := b.stmt, b.stmtPos
	b.enterStmt(body)
	b.openScope(body)
	v := ir.Value{}
	for i, s := range body.List {
		if i < len(body.List)-1 || !want || e.Type.Kind == ctype.Void {
			b.lowerStmt(s)
			continue
		}
		bodyStmt, bodyPos := b.stmt, b.stmtPos
		for s.Kind == check.Labeled {
			b.enter(b.labelBlock(s.Label))
			s = s.Then
		}
		if s.Kind != check.ExprStmt || s.X == nil {
			b.lowerStmt(s)
			break
		}
		b.enterStmt(s)
		v = b.rv(s.X)
		if inMemory(e.Type) && v.Kind != ir.NoVal {
			// The object that holds it may end with the scope.
			tmp := b.temp(e.Type)
			b.do(s.X, ir.Instr{Op: ir.Copy, A: tmp, B: v, Type: e.Type.Unqualified()})
			v = tmp
		}
		b.stmt, b.stmtPos = bodyStmt, bodyPos
	}
	b.atEnd(body)
	b.closeScope()
	b.stmt, b.stmtPos = oldStmt, oldPos
	if want && v.Kind == ir.NoVal && e.Type.Kind != ctype.Void {
		if inMemory(e.Type) {
			return b.temp(e.Type)
		}
		return ir.Undef
	}
	return v
}

// ---- asm

func (b *fb) asm(s *check.Stmt) {
	a := s.Asm
	in := ir.Instr{Op: ir.Asm, Asm: a, Volatile: a.Volatile}
	b.namedInAsm(a.Template)
	n := len(a.Out) + len(a.In)
	if n > 0 {
		in.Args, in.ArgTypes = make([]ir.Value, 0, n), make([]*ctype.Type, 0, n)
	}
	for i := range a.Out {
		x := a.Out[i].X
		in.Args, in.ArgTypes = append(in.Args, b.addr(x)), append(in.ArgTypes, b.ptrTo(x.Type))
	}
	for i := range a.In {
		x := a.In[i].X
		if ir.IsLvalue(x) {
			in.Args, in.ArgTypes = append(in.Args, b.addr(x)), append(in.ArgTypes, b.ptrTo(x.Type))
			continue
		}
		in.Args, in.ArgTypes = append(in.Args, b.rv(x)), append(in.ArgTypes, x.Type.Unqualified())
	}
	b.do(nil, in)
	if !a.Goto || len(a.Labels) == 0 {
		return
	}
	// asm goto: which way it goes is unknown.
	next := b.newBlock()
	sw := ir.Instr{Op: ir.Switch, A: ir.Undef, Opnd: ctype.TInt}
	var to []ir.BlockID
	for i, l := range a.Labels {
		sw.Cases = append(sw.Cases, ir.CaseRange{Lo: int64(i), Hi: int64(i)})
		to = append(to, b.labelBlock(l))
	}
	b.end(nil, sw, append(to, next)...)
	b.start(next)
}
