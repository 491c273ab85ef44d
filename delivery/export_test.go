package delivery

// SetCrash sets what is called at each point where a crash would leave something
// half done.
func SetCrash(d *Delivery, fn func(at string)) { d.crash = fn }

// Sweep removes what is not kept any more, as is done once an hour.
func Sweep(d *Delivery) { d.sweep() }
