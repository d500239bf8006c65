package build

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// objcopy --add-section would do what this file does, but it rewrites the
// whole object, takes as long as a small compilation's assembler, knows only
// the targets it was built for, and has to be there. Adding a section that
// nothing refers to needs less: new bytes at the end of the file, and then one
// write that makes the ELF header (or the header of a section that exists) point
// to them. Until that write the file is what the compiler wrote plus a tail
// that no reader looks at, so being killed at any moment does no harm.

// elfFile is the part of an ELF file that adding a section needs.
type elfFile struct {
	f        *os.File
	size     int64
	order    binary.ByteOrder
	is64     bool
	ehdr     []byte
	shoff    uint64
	shnum    int
	shstrndx int
	sht      []byte // section header table
	entsize  int
}

var errELF = errors.New("not an ELF file that a section can be added to")

func openELF(f *os.File, size int64) (*elfFile, error) {
	e := &elfFile{f: f, size: size, ehdr: make([]byte, 64)}
	n, _ := f.ReadAt(e.ehdr, 0)
	if n < 52 || string(e.ehdr[:4]) != elf.ELFMAG {
		return nil, errELF
	}
	switch elf.Data(e.ehdr[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		e.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		e.order = binary.BigEndian
	default:
		return nil, errELF
	}
	switch elf.Class(e.ehdr[elf.EI_CLASS]) {
	case elf.ELFCLASS64:
		if n < 64 {
			return nil, errELF
		}
		e.is64, e.entsize = true, 64
		e.shoff = e.order.Uint64(e.ehdr[0x28:])
	case elf.ELFCLASS32:
		e.ehdr, e.entsize = e.ehdr[:52], 40
		e.shoff = uint64(e.order.Uint32(e.ehdr[0x20:]))
	default:
		return nil, errELF
	}
	tail := e.ehdr[len(e.ehdr)-6:] // e_shentsize, e_shnum, e_shstrndx
	if e.shoff == 0 || int(e.order.Uint16(tail)) != e.entsize {
		return nil, errELF
	}
	e.shnum, e.shstrndx = int(e.order.Uint16(tail[2:])), int(e.order.Uint16(tail[4:]))
	if e.shnum == 0 || e.shstrndx == int(elf.SHN_XINDEX) {
		// Too many sections for 16 bits: the real numbers are in entry 0.
		zero := make([]byte, e.entsize)
		if _, err := f.ReadAt(zero, int64(e.shoff)); err != nil {
			return nil, errELF
		}
		if e.shnum == 0 {
			_, sz := e.offSize(zero)
			e.shnum = int(sz)
		}
		if e.shstrndx == int(elf.SHN_XINDEX) {
			e.shstrndx = int(e.order.Uint32(zero[e.linkAt():]))
		}
	}
	if e.shnum <= 0 || e.shstrndx >= e.shnum || e.shoff > uint64(size) ||
		uint64(e.shnum) > (uint64(size)-e.shoff)/uint64(e.entsize) {
		return nil, errELF
	}
	e.sht = make([]byte, e.shnum*e.entsize)
	if _, err := f.ReadAt(e.sht, int64(e.shoff)); err != nil {
		return nil, err
	}
	return e, nil
}

// offSizeAt is where sh_offset stands in a section header; sh_size follows it.
func (e *elfFile) offSizeAt() int {
	if e.is64 {
		return 24
	}
	return 16
}

func (e *elfFile) linkAt() int {
	if e.is64 {
		return 40
	}
	return 24
}

func (e *elfFile) offSize(sh []byte) (off, size uint64) {
	at := e.offSizeAt()
	if e.is64 {
		return e.order.Uint64(sh[at:]), e.order.Uint64(sh[at+8:])
	}
	return uint64(e.order.Uint32(sh[at:])), uint64(e.order.Uint32(sh[at+4:]))
}

func (e *elfFile) setOffSize(sh []byte, off, size uint64) {
	at := e.offSizeAt()
	if e.is64 {
		e.order.PutUint64(sh[at:], off)
		e.order.PutUint64(sh[at+8:], size)
	} else {
		e.order.PutUint32(sh[at:], uint32(off))
		e.order.PutUint32(sh[at+4:], uint32(size))
	}
}

func (e *elfFile) header(i int) []byte { return e.sht[i*e.entsize : (i+1)*e.entsize] }

func (e *elfFile) bytes(i int) ([]byte, error) {
	off, size := e.offSize(e.header(i))
	if off > uint64(e.size) || size > uint64(e.size)-off {
		return nil, errELF
	}
	data := make([]byte, size)
	_, err := e.f.ReadAt(data, int64(off))
	return data, err
}

// appendSection adds data to Section of the file, making the section if there
// is none; with only, data is all that the section then holds.
func appendSection(f *os.File, size int64, data []byte, only bool) (err error) {
	e, err := openELF(f, size)
	if err != nil {
		return err
	}
	names, err := e.bytes(e.shstrndx)
	if err != nil {
		return err
	}
	old := -1
	for i := 1; i < e.shnum; i++ {
		if nameAt(names, e.order.Uint32(e.header(i))) == Section {
			old = i
			break
		}
	}
	defer func() {
		if err != nil {
			f.Truncate(size)
		}
	}()
	align := func(n int64) int64 { return (n + 7) &^ 7 }

	if old >= 0 {
		have, err := e.bytes(old)
		if err != nil {
			return err
		}
		if only {
			have = nil
		}
		at := align(size)
		if !e.is64 && at+int64(len(have)+len(data)) > 1<<32-1 {
			return fmt.Errorf("file too large")
		}
		if _, err := f.WriteAt(append(have, data...), at); err != nil {
			return err
		}
		sh := e.header(old)
		e.setOffSize(sh, uint64(at), uint64(len(have)+len(data)))
		lo := e.offSizeAt()
		hi := lo + 8
		if e.is64 {
			hi = lo + 16
		}
		_, err = f.WriteAt(sh[lo:hi], int64(e.shoff)+int64(old*e.entsize+lo))
		return err
	}

	// Layout of the tail: the records, the section names with ours behind
	// them, the section headers with ours behind them.
	dataAt := align(size)
	namesAt := dataAt + int64(len(data))
	newNames := append(append(names, Section...), 0)
	shtAt := align(namesAt + int64(len(newNames)))

	sh := make([]byte, e.entsize)
	e.order.PutUint32(sh, uint32(len(newNames)-len(Section)-1))
	e.order.PutUint32(sh[4:], uint32(elf.SHT_PROGBITS))
	e.setOffSize(sh, uint64(dataAt), uint64(len(data)))
	if e.is64 {
		e.order.PutUint64(sh[48:], 1) // sh_addralign: no padding between contributions
	} else {
		e.order.PutUint32(sh[32:], 1)
	}
	e.setOffSize(e.header(e.shstrndx), uint64(namesAt), uint64(len(newNames)))
	e.sht = append(e.sht, sh...)
	n := e.shnum + 1
	tail := e.ehdr[len(e.ehdr)-4:]
	if n < int(elf.SHN_LORESERVE) {
		e.order.PutUint16(tail, uint16(n))
	} else {
		off, _ := e.offSize(e.header(0))
		e.setOffSize(e.header(0), off, uint64(n))
		e.order.PutUint16(tail, 0)
	}
	if e.is64 {
		e.order.PutUint64(e.ehdr[0x28:], uint64(shtAt))
	} else {
		if shtAt+int64(len(e.sht)) > 1<<32-1 {
			return fmt.Errorf("file too large")
		}
		e.order.PutUint32(e.ehdr[0x20:], uint32(shtAt))
	}

	buf := make([]byte, shtAt-dataAt+int64(len(e.sht)))
	copy(buf, data)
	copy(buf[namesAt-dataAt:], newNames)
	copy(buf[shtAt-dataAt:], e.sht)
	if _, err := f.WriteAt(buf, dataAt); err != nil {
		return err
	}
	_, err = f.WriteAt(e.ehdr, 0)
	return err
}

func nameAt(names []byte, off uint32) string {
	if uint64(off) >= uint64(len(names)) {
		return ""
	}
	for i := off; int(i) < len(names); i++ {
		if names[i] == 0 {
			return string(names[off:i])
		}
	}
	return ""
}
