package build

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"debug/elf"
	"errors"
	"hash"
	"os"
)

// A build ID is the linker's hash of what it linked, so it would tell a program
// with records from one without, and a distribution's debug files would no
// longer fit. GNU ld's is a hash of headers and sections whose places in the
// file are left out (elf_checksum_contents in bfd/elfcode.h), so that of the
// program without records can be computed from the program with them. No
// knowledge of another program's inside is to be trusted: the hash is computed
// with the records first, and only when that gives what the linker wrote is the
// other one written in its place.

// ErrBuildID says that a build ID is not one that can be computed: made by
// another linker than GNU ld, random, or given.
var ErrBuildID = errors.New("the build ID is not one that GNU ld computes")

// KeepBuildID gives the linked file at path the build ID that it would have if
// no object had brought a record. A file without records or without a build ID
// is left as it is. The file's time stamp is kept.
func KeepBuildID(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = keepBuildID(f, st.Size())
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	os.Chtimes(path, st.ModTime(), st.ModTime())
	return err
}

func keepBuildID(f *os.File, size int64) error {
	e, err := openELF(f, size)
	if err != nil {
		return err
	}
	names, err := e.bytes(e.shstrndx)
	if err != nil {
		return err
	}
	ours, note := 0, 0
	for i := 1; i < e.shnum; i++ {
		switch nameAt(names, e.word(e.header(i), 0)) {
		case Section:
			if ours != 0 {
				return ErrBuildID // a linker script kept them apart
			}
			ours = i
		case ".note.gnu.build-id":
			note = i
		}
	}
	if ours == 0 || note == 0 || e.shnum >= int(elf.SHN_LORESERVE) {
		return nil
	}
	id, err := e.bytes(note)
	if err != nil {
		return err
	}
	const head = 16 // sizes, type, "GNU\0"
	if len(id) < head || e.order.Uint32(id[8:]) != 3 || string(id[12:16]) != "GNU\x00" {
		return nil
	}
	newHash := map[int]func() hash.Hash{sha1.Size: sha1.New, md5.Size: md5.New}[len(id)-head]
	if newHash == nil {
		return ErrBuildID
	}
	now, without, err := e.linkerHashes(names, ours, note, newHash)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, id[head:]) {
		return ErrBuildID
	}
	at, _ := e.offSize(e.header(note))
	_, err = f.WriteAt(without, int64(at)+head)
	return err
}

// linkerHashes returns GNU ld's hash of the file as it is, and as it would be
// without section ours.
func (e *elfFile) linkerHashes(names []byte, ours, note int, newHash func() hash.Hash) (now, without []byte, err error) {
	a, b := newHash(), newHash()
	// The places of the tables are taken for zero.
	eh := bytes.Clone(e.ehdr)
	word := 4
	phoff, phnumAt := 0x1c, 44
	if e.is64 {
		word, phoff, phnumAt = 8, 0x20, 56
	}
	at := uint64(e.order.Uint32(eh[phoff:]))
	phsize := 32
	if e.is64 {
		at, phsize = e.order.Uint64(eh[phoff:]), 56
	}
	clear(eh[phoff : phoff+2*word])
	a.Write(eh)
	tail := eh[len(eh)-4:]
	e.order.PutUint16(tail, uint16(e.shnum-1))
	if e.shstrndx > ours {
		e.order.PutUint16(tail[2:], uint16(e.shstrndx-1))
	}
	b.Write(eh)

	ph := make([]byte, int(e.order.Uint16(eh[phnumAt:]))*phsize)
	if at > uint64(e.size) || uint64(len(ph)) > uint64(e.size)-at {
		return nil, nil, errELF
	}
	if _, err := e.f.ReadAt(ph, int64(at)); err != nil {
		return nil, nil, err
	}
	a.Write(ph)
	b.Write(ph)

	table, symbol, err := e.sectionSymbol(ours)
	if err != nil {
		return nil, nil, err
	}
	ourName := e.word(e.header(ours), 0)
	link, info := 24, 28 // of sh_link and sh_info
	if e.is64 {
		link, info = 40, 44
	}
	for i := range e.shnum {
		raw := e.header(i)
		sh := bytes.Clone(raw)
		off := e.offSizeAt()
		clear(sh[off : off+word])
		a.Write(sh)
		kind := elf.SectionType(e.word(raw, 4))
		if i != ours {
			if n := e.word(sh, 0); n > ourName {
				e.order.PutUint32(sh, n-uint32(len(Section)+1))
			}
			if i == e.shstrndx {
				_, size := e.offSize(raw)
				e.setOffSize(sh, 0, size-uint64(len(Section)+1))
			}
			if n := e.word(sh, link); n > uint32(ours) {
				e.order.PutUint32(sh[link:], n-1)
			}
			if n := e.word(sh, info); (kind == elf.SHT_REL || kind == elf.SHT_RELA) && n > uint32(ours) {
				e.order.PutUint32(sh[info:], n-1)
			}
			// A section has a symbol in what is to be linked again.
			if symbol > 0 && i == table {
				_, size := e.offSize(raw)
				e.setOffSize(sh, 0, size-e.symbolSize())
				e.order.PutUint32(sh[info:], e.word(raw, info)-1)
			}
			if n := e.word(sh, info); symbol > 0 && kind == elf.SHT_GROUP && n > symbol {
				e.order.PutUint32(sh[info:], n-1)
			}
			b.Write(sh)
		}
		// The linker still holds the tables of symbols and names elsewhere,
		// and has not written the note.
		if kind == elf.SHT_NULL || kind == elf.SHT_NOBITS || kind == elf.SHT_SYMTAB || kind == elf.SHT_SYMTAB_SHNDX ||
			kind == elf.SHT_STRTAB && nameAt(names, e.word(raw, 0)) != ".dynstr" {
			continue
		}
		data, err := e.bytes(i)
		if err != nil {
			return nil, nil, err
		}
		if i == note {
			clear(data)
		}
		a.Write(data)
		if symbol > 0 && (kind == elf.SHT_REL || kind == elf.SHT_RELA) && int(e.word(raw, link)) == table {
			e.renumber(data, kind, symbol)
		}
		if i != ours {
			b.Write(data)
		}
	}
	return a.Sum(nil), b.Sum(nil), nil
}

func (e *elfFile) symbolSize() uint64 {
	if e.is64 {
		return 24
	}
	return 16
}

// sectionSymbol finds the symbol of section i: its table and number there, 0 if
// there is none.
func (e *elfFile) sectionSymbol(i int) (table int, number uint32, err error) {
	info, shndx := 12, 14
	if e.is64 {
		info, shndx = 4, 6
	}
	for s := range e.shnum {
		if elf.SectionType(e.word(e.header(s), 4)) != elf.SHT_SYMTAB {
			continue
		}
		syms, err := e.bytes(s)
		if err != nil {
			return 0, 0, err
		}
		size := int(e.symbolSize())
		for n := uint32(0); len(syms) >= size; n++ {
			if elf.ST_TYPE(syms[info]) == elf.STT_SECTION && int(e.order.Uint16(syms[shndx:])) == i {
				return s, n, nil
			}
			syms = syms[size:]
		}
	}
	return 0, 0, nil
}

// renumber takes one symbol away from under a section's relocations.
func (e *elfFile) renumber(data []byte, kind elf.SectionType, gone uint32) {
	size, info := 8, 4
	if e.is64 {
		size, info = 16, 8
	}
	if kind == elf.SHT_RELA {
		size += size / 2
	}
	for ; len(data) >= size; data = data[size:] {
		if e.is64 {
			if v := e.order.Uint64(data[info:]); uint32(v>>32) > gone {
				e.order.PutUint64(data[info:], v-1<<32)
			}
		} else if v := e.order.Uint32(data[info:]); v>>8 > gone {
			e.order.PutUint32(data[info:], v-1<<8)
		}
	}
}

func (e *elfFile) word(b []byte, at int) uint32 { return e.order.Uint32(b[at:]) }
