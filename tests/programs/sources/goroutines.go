// Goroutines on stacks that have to grow, a panic that is recovered, a method and a generic function.
package main

import (
	"fmt"
	"strings"
	"sync"
)

type stack struct{ items []int }

//go:noinline
func (s *stack) push(item int) { s.items = append(s.items, item) }

//go:noinline
func deep(n int, pad [64]int) int {
	if n == 0 {
		return pad[3]
	}
	pad[n%64]++
	return deep(n-1, pad) + 1
}

//go:noinline
func apply[T any, U any](in []T, f func(T) U) []U {
	var out []U
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}

//go:noinline
func recovers(n int) (result int) {
	defer func() {
		if e := recover(); e != nil {
			result = n
		}
	}()
	if n%2 == 0 {
		panic("even")
	}
	return -n
}

func main() {
	var group sync.WaitGroup
	var mutex sync.Mutex
	total := 0
	s := &stack{}
	for g := 0; g < 20; g++ {
		group.Add(1)
		go func() {
			defer group.Done()
			sum := deep(100+g, [64]int{})
			mutex.Lock()
			defer mutex.Unlock()
			total += sum + recovers(g)
			s.push(g)
		}()
	}
	group.Wait()
	words := apply([]int{1, 2, 3}, func(i int) string { return fmt.Sprint(i) })
	fmt.Println(total, len(s.items), strings.Join(words, ","))
}
