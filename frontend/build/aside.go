package build

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
)

// An object that is no ELF file has no place for a section: clang -flto writes LLVM
// bitcode. Its records lie aside, in the user's cache, under the object's content:
// so they are found again wherever it is copied, archived or renamed to. When it is
// linked they go into the program, as those of all objects that are optimised then.

// asideMagic is how files begin that are objects and not ELF: bitcode, bare and wrapped.
var asideMagic = []string{"BC\xc0\xde", "\xde\xc0\x17\x0b"}

func hasAside(magic []byte) bool {
	for _, m := range asideMagic {
		if bytes.HasPrefix(magic, []byte(m)) {
			return true
		}
	}
	return false
}

func asideFile(r io.Reader) (string, error) {
	dir, err := CacheDir()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return filepath.Join(dir, "records", hex.EncodeToString(h.Sum(nil)[:16])), nil
}

// aside reads the records of an object that lie aside.
func (out *Recorded) aside(r io.Reader, o Object) error {
	name, err := asideFile(r)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	recs, bad := DecodeRecords(data)
	o.Records, o.LTO = recs, true
	out.Bad += bad
	out.Members++
	out.Records = append(out.Records, recs...)
	out.Objects = append(out.Objects, o)
	return nil
}

// setAside keeps records aside if the file is one for that; done says that it is.
func setAside(path string, data []byte) (done bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var magic [4]byte
	f.ReadAt(magic[:], 0)
	if !hasAside(magic[:]) {
		return false, nil
	}
	name, err := asideFile(f)
	if err != nil {
		return true, err
	}
	return true, writeAtomic(name, data)
}
