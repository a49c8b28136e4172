package transport

import "github.com/pion/logging"

// silence is the libraries' log: they say nothing. Its loggers are all the same one
// and cost nothing to make, which those of pion's that write nowhere do.
type silence struct{}

// NewLogger is s itself.
func (s silence) NewLogger(string) logging.LeveledLogger { return s }

func (silence) Trace(string)          {}
func (silence) Tracef(string, ...any) {}
func (silence) Debug(string)          {}
func (silence) Debugf(string, ...any) {}
func (silence) Info(string)           {}
func (silence) Infof(string, ...any)  {}
func (silence) Warn(string)           {}
func (silence) Warnf(string, ...any)  {}
func (silence) Error(string)          {}
func (silence) Errorf(string, ...any) {}
