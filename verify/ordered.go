package verify

import (
	"context"
	"iter"
)

// ordered calls f for each item of in, up to n calls at a time, and gives the
// results in the order of the items. It reads in from a goroutine of its own, a
// bounded number of items ahead, and returns when all calls have. A loop over it
// that ends early cancels the calls that run.
func ordered[In, Out any](ctx context.Context, n int, in iter.Seq[In], f func(context.Context, In) Out) iter.Seq[Out] {
	return func(yield func(Out) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		waiting := make(chan chan Out, 2*n)
		slots := make(chan struct{}, n)
		go func() {
			defer close(waiting)
			for item := range in {
				result := make(chan Out, 1)
				select {
				case waiting <- result:
				case <-ctx.Done():
					return
				}
				slots <- struct{}{}
				go func() {
					result <- f(ctx, item)
					<-slots
				}()
			}
		}()
		done := false
		for result := range waiting {
			out := <-result
			if done = done || !yield(out); done {
				cancel()
			}
		}
		for range n { // the calls have given their results; now they have returned
			slots <- struct{}{}
		}
	}
}
