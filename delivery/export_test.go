package delivery

// SetCrash sets what is called at each point where a crash would leave something
// half done.
func SetCrash(d *Delivery, fn func(at string)) { d.crash = fn }
