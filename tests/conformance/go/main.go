// What Go's own runtime makes of WASI 0.1: files, folders, time, randomness and its scheduler, through
// the standard library. The tree is the one of p1/paths.c; stdin is "from outside".
package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

var made, failed int

func check(name string, right bool) {
	made++
	if !right {
		failed++
		fmt.Println("FAILED", name)
	}
}

func is(name string, got, expected any) {
	if got != expected {
		fmt.Printf("%s: %v, expected %v\n", name, got, expected)
	}
	check(name, got == expected)
}

func fails(name string, err, expected error) {
	if !errors.Is(err, expected) {
		fmt.Printf("%s: %v, expected %v\n", name, err, expected)
	}
	check(name, errors.Is(err, expected))
}

func files() {
	text, err := os.ReadFile("/data/file.txt")
	is("ReadFile", string(text), "0123456789")
	fails("ReadFile: no error", err, nil)
	fails("WriteFile", os.WriteFile("/data/go.txt", []byte("gamma"), 0o644), nil)
	file, err := os.OpenFile("/data/go.txt", os.O_RDWR|os.O_APPEND, 0)
	fails("OpenFile", err, nil)
	_, err = file.WriteString(" delta")
	fails("append", err, nil)
	at, err := file.Seek(-5, io.SeekEnd)
	is("Seek", at, int64(6))
	fails("Seek: no error", err, nil)
	rest, _ := io.ReadAll(file)
	is("ReadAll", string(rest), "delta")
	fails("Truncate", file.Truncate(5), nil)
	fails("Sync", file.Sync(), nil)
	fails("Close", file.Close(), nil)
	then := time.Unix(1000, 0)
	fails("Chtimes", os.Chtimes("/data/go.txt", then, then), nil)
	info, err := os.Stat("/data/go.txt")
	fails("Stat", err, nil)
	check("Stat: size and time", info.Size() == 5 && info.ModTime().Equal(then))
	fails("Rename", os.Rename("/data/go.txt", "/data/folder/go.txt"), nil)
	fails("Remove", os.Remove("/data/folder/go.txt"), nil)
	_, err = os.Stat("/data/folder/go.txt")
	fails("Stat: gone", err, fs.ErrNotExist)
	fails("WriteFile: where it is only read", os.WriteFile("/fixed/new.txt", nil, 0o644), fs.ErrPermission)
	_, err = os.ReadFile("/secret.txt")
	check("ReadFile: outside", err != nil)
}

func folders() {
	fails("MkdirAll", os.MkdirAll("/data/a/b/c", 0o755), nil)
	fails("Mkdir: again", os.Mkdir("/data/a", 0o755), fs.ErrExist)
	for i := range 100 {
		fails("WriteFile", os.WriteFile(fmt.Sprintf("/data/a/b/%d", i), nil, 0o644), nil)
	}
	found := 0
	err := filepath.WalkDir("/data/a", func(path string, entry fs.DirEntry, err error) error {
		found++
		return err
	})
	is("WalkDir", found, 103)
	fails("WalkDir: no error", err, nil)
	fails("RemoveAll", os.RemoveAll("/data/a"), nil)
	fails("Symlink", os.Symlink("file.txt", "/data/soft"), nil)
	target, err := os.Readlink("/data/soft")
	is("Readlink", target, "file.txt")
	fails("Readlink: no error", err, nil)
	fails("Link", os.Link("/data/file.txt", "/data/hard"), nil)
}

func timeAndChance() {
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	check("Sleep", time.Since(start) >= 20*time.Millisecond)
	check("Now: after 2024", start.Year() >= 2024)
	first, second := make([]byte, 64), make([]byte, 64)
	_, err := rand.Read(first)
	fails("rand.Read", err, nil)
	rand.Read(second)
	check("rand.Read: never the same", !bytes.Equal(first, second))
}

// Goroutines that wait for clocks and for each other, on one thread.
func scheduler() {
	var group sync.WaitGroup
	sums := make(chan int, 100)
	for i := range 100 {
		group.Go(func() {
			time.Sleep(time.Duration(i%10) * time.Millisecond)
			sums <- i
		})
	}
	group.Wait()
	close(sums)
	sum := 0
	for value := range sums {
		sum += value
	}
	is("goroutines", sum, 4950)
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	is("stdin", string(input), "from outside")
	fails("stdin: no error", err, nil)
	is("arguments", len(os.Args), 2)
	is("a variable", os.Getenv("A"), "1")
	files()
	folders()
	timeAndChance()
	scheduler()
	fmt.Printf("%d checks, %d failed\n", made, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
