// Package store keeps the outbox on disk. It is a JetStream stream of an
// embedded NATS server that listens nowhere and syncs every write, used as a
// log: append, delete by sequence, replay. Order and back-off are the bridge's;
// JetStream's own redelivery would break the order.
package store
