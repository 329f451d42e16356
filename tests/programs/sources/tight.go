// Goroutines whose stacks end right below a chain of functions that do not look whether there is room.
package main

import (
	"fmt"
	"runtime"
	"sync"
)

//go:noinline
//go:nosplit
func leaf(n int) int { return n + 1 }

//go:noinline
//go:nosplit
func tight(n int) int {
	var pad [90]int
	pad[n&63] = n
	return leaf(n) + pad[n&63] + pad[(n+1)&63]
}

//go:noinline
func climb(depth, n int) int {
	sum := tight(n)
	if depth > 0 {
		sum += climb(depth-1, n+1)
	}
	return sum
}

func main() {
	runtime.GOMAXPROCS(2)
	total := 0
	for round := 0; round < 5; round++ {
		var group, started sync.WaitGroup
		results := make([]int, 400)
		release := make(chan bool)
		for g := range results {
			group.Add(1)
			started.Add(1)
			go func(g int) {
				defer group.Done()
				started.Done()
				<-release
				results[g] = climb(g%40, g)
			}(g)
		}
		started.Wait()
		close(release)
		group.Wait()
		for _, result := range results {
			total += result
		}
	}
	fmt.Println(total)
}
