package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// A mark stands in a text and says which one it is: "[[load.number]]".
type mark struct{ load, number int }

func (m mark) String() string { return fmt.Sprintf("[[%d.%d]]", m.load, m.number) }

// longest is how many bytes a mark has at most.
const longest = 24

// marks calls f for every mark in data and gives back how much of data has
// been dealt with: the rest may hold the beginning of another one.
func marks(data []byte, f func(mark)) (done int) {
	for {
		at := bytes.Index(data[done:], []byte("[["))
		if at < 0 {
			return max(done, len(data)-1, 0) // the last byte is perhaps its first bracket
		}
		done += at
		size := bytes.Index(data[done:min(len(data), done+longest)], []byte("]]"))
		if size < 0 && len(data)-done < longest {
			return done
		}
		m, ok := parseMark(data[done:], size)
		if !ok {
			done += 2
			continue
		}
		f(m)
		done += size + 2
	}
}

func parseMark(data []byte, size int) (mark, bool) {
	if size < 2 {
		return mark{}, false
	}
	load, number, ok := bytes.Cut(data[2:size], []byte("."))
	if !ok {
		return mark{}, false
	}
	l, err1 := strconv.Atoi(string(load))
	n, err2 := strconv.Atoi(string(number))
	return mark{l, n}, err1 == nil && err2 == nil && l >= 0 && n >= 0
}
