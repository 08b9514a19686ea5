// A command for GOOS=wasip1: the same command as c/tool.c and python/tool.py.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Println("hello from go")
		return
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(what string, args []string) error {
	switch what {
	case "args":
		for _, arg := range args {
			fmt.Printf("<%s>\n", arg)
		}
	case "env":
		value, set := os.LookupEnv(args[0])
		if !set {
			value = "unset"
		}
		fmt.Println(value)
	case "environ":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	case "cat":
		text, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		os.Stdout.Write(text)
	case "write":
		return os.WriteFile(args[0], []byte(args[1]), 0o644)
	case "ls":
		entries, err := os.ReadDir(args[0])
		if err != nil {
			return err
		}
		for _, entry := range entries {
			fmt.Println(entry.Name())
		}
	case "upper":
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			fmt.Println(strings.ToUpper(lines.Text()))
		}
		return lines.Err()
	case "exit":
		code, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		os.Exit(code)
	case "flood":
		block := strings.Repeat("x", 64*1024)
		for {
			if _, err := io.WriteString(os.Stdout, block); err != nil {
				return err
			}
		}
	case "spin":
		for {
		}
	case "sleep":
		time.Sleep(time.Hour)
	case "hog":
		for hoard := [][]byte{}; ; {
			block := make([]byte, 16<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			hoard = append(hoard, block)
		}
	case "deep":
		fmt.Println(deep(1 << 40))
	case "panic":
		panic("the guest gives up")
	case "goroutines":
		var wait sync.WaitGroup
		sum := make(chan int, 100)
		for i := range 100 {
			wait.Add(1)
			go func() { defer wait.Done(); sum <- i }()
		}
		wait.Wait()
		close(sum)
		total := 0
		for i := range sum {
			total += i
		}
		fmt.Println(total)
	default:
		return fmt.Errorf("unknown: %s", what)
	}
	return nil
}

func deep(n int) int {
	if n == 0 {
		return 0
	}
	return deep(n-1) + n%3
}
