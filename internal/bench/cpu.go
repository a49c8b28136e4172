package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpuTime is what the processes of a process group have had of the CPUs so
// far, all their threads together (/proc/PID/task/*/schedstat: nanoseconds).
func cpuTime(group int) (time.Duration, error) {
	var sum time.Duration
	pids, err := members(group)
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		t, err := threadTime(pid)
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

// threadTime is what the threads of a process have had of the CPUs so far.
func threadTime(pid int) (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, fmt.Errorf("cpu time: %w", err)
	}
	var sum time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has just ended
		}
		ns, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(ns, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("cpu time: %s: %w", file, err)
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// members is the processes of a process group.
func members(group int) ([]int, error) {
	all, err := processes(func(p process) bool { return p.group == group })
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no process is left of group %d", group)
	}
	return all, nil
}

// groupOf finds the group of the program that was started by us with word on
// its command line.
func groupOf(word string) (int, error) {
	us := os.Getpid()
	all, err := processes(func(p process) bool {
		if p.parent != us {
			return false
		}
		return started(p.id, word)
	})
	if err != nil {
		return 0, err
	}
	if len(all) != 1 {
		return 0, fmt.Errorf("%d programs run with %s, not one", len(all), word)
	}
	return all[0], nil // a program of a lab leads a group of its own
}

// started reports whether word is on the command line of a process.
func started(pid int, word string) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(line, []byte(word))
}

type process struct{ id, parent, group int }

// processes gives the ids of the processes that match likes.
func processes(match func(process) bool) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		if p, ok := parseStat(string(text)); ok && match(p) {
			all = append(all, p.id)
		}
	}
	return all, nil
}

// parseStat reads /proc/PID/stat: the name in it is in brackets and may hold
// anything.
func parseStat(text string) (process, bool) {
	id, _, _ := strings.Cut(text, " ")
	rest := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(rest) < 3 {
		return process{}, false
	}
	var p process
	for i, s := range []string{id, rest[1], rest[2]} {
		n, err := strconv.Atoi(s)
		if err != nil {
			return process{}, false
		}
		*[]*int{&p.id, &p.parent, &p.group}[i] = n
	}
	return p, true
}

// resident is the memory of a process that is in RAM, in bytes.
func resident(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	f := strings.Fields(string(text))
	if len(f) < 2 {
		return 0, fmt.Errorf("memory: no size in %q", text)
	}
	pages, err := strconv.Atoi(f[1])
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	return pages * os.Getpagesize(), nil
}
