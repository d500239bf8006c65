package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func key(n int) (k Key) {
	k[0], k[1] = byte(n), byte(n>>8)
	return k
}

func TestStore(t *testing.T) {
	s := At(filepath.Join(t.TempDir(), "s"))
	if s.Get(key(1)) != nil {
		t.Error("an entry out of nothing")
	}
	want := bytes.Repeat([]byte("unit"), 1000)
	s.Put(key(1), want)
	if got := s.Get(key(1)); !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back, %d were put", len(got), len(want))
	}
	s.Put(key(2), nil)
	if got := s.Get(key(2)); got == nil || len(got) != 0 {
		t.Error("an empty entry is not kept")
	}
	if n, _ := s.Size(); n != 2 {
		t.Errorf("%d entries", n)
	}
	if err := s.Clear(); err != nil || s.Get(key(1)) != nil {
		t.Error("cleared, and still there")
	}
	var none *Store
	none.Put(key(1), want)
	none.Trim()
	if none.Get(key(1)) != nil || none.Clear() != nil {
		t.Error("no store keeps something")
	}
}

// Whatever happens to an entry's file, Get gives what was put, or nothing.
func TestDamage(t *testing.T) {
	s := At(t.TempDir())
	want := []byte("what was put")
	s.Put(key(1), want)
	path := s.path(key(1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		os.WriteFile(path, whole[:n], 0o666)
		if s.Get(key(1)) != nil {
			t.Errorf("%d bytes of %d are taken for an entry", n, len(whole))
		}
		flipped := bytes.Clone(whole)
		flipped[n] ^= 0x10
		os.WriteFile(path, flipped, 0o666)
		if s.Get(key(1)) != nil {
			t.Errorf("an entry with a wrong byte %d is taken for one", n)
		}
	}
	os.WriteFile(path, append(bytes.Clone(whole), 'x'), 0o666)
	if s.Get(key(1)) != nil {
		t.Error("an entry with something behind it is taken for one")
	}
	s.Put(key(1), want)
	if !bytes.Equal(s.Get(key(1)), want) {
		t.Error("a damaged entry can't be replaced")
	}
}

// Many runs may use one store at a time: each sees whole entries.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := At(dir)
			s.limit = 1 << 20
			for n := range 200 {
				k := n % 10
				want := bytes.Repeat([]byte(fmt.Sprintf("%d,", k)), 5000)
				if got := s.Get(key(k)); got != nil && !bytes.Equal(got, want) {
					t.Errorf("run %d: entry %d is another's", i, k)
				}
				s.Put(key(k), want)
				if n%50 == 49 {
					s.Trim()
				}
			}
		}()
	}
	wg.Wait()
}

func TestTrim(t *testing.T) {
	s := At(t.TempDir())
	s.limit = 10 << 10
	for i := range 20 {
		s.Put(key(i), make([]byte, 1<<10))
		old := time.Now().Add(time.Duration(i-100) * time.Minute)
		os.Chtimes(s.path(key(i)), old, old)
	}
	left := s.path(key(30)) + ".1.1.tmp"
	os.MkdirAll(filepath.Dir(left), 0o777)
	os.WriteFile(left, []byte("half"), 0o666)
	old := time.Now().Add(-2 * time.Hour)
	os.Chtimes(left, old, old)
	if s.Get(key(0)) == nil { // used now: it stays
		t.Fatal("gone")
	}
	s.Trim()
	if _, err := os.Stat(left); err == nil {
		t.Error("what a dead writer left is still there")
	}
	n, size := s.Size()
	if size > s.limit || n < 8 {
		t.Errorf("%d entries of %d bytes", n, size)
	}
	if s.Get(key(0)) == nil || s.Get(key(19)) == nil || s.Get(key(1)) != nil {
		t.Error("what was used last is not what is left")
	}
}
