package main

// The layout of models.bin. The generator and the reader each have a copy of this
// file, because packages of the same floor do not import each other; a test holds
// the copies together.
//
//	file   = magic, uvarint length of the index, index (zstd), chunks (zstd each)
//	index  = string source, uvarint n, n services
//	chunk  = strings, operations, shapes
//
// A string is a uvarint length and its bytes. A reference to a string is a uvarint
// index into the chunk's strings, where 0 is the empty string. A reference to a
// shape is a uvarint: 0 is none, n stands for shape n-1.
//
//	service    = string id, service id, endpoint prefix, signing name, API version,
//	             target prefix, XML namespace, JSON version, global endpoint;
//	             uvarint flags; uvarint n and n uvarint protocols;
//	             uvarint operations, chunk offset, chunk length, raw length
//	strings    = uvarint n, n uvarint lengths, the bytes of all
//	operations = uvarint n, n × reference to the name (ascending), n uvarint lengths of
//	             bodies, the bodies
//	operation  = uvarint flags, reference to method and URI, uvarint HTTP status,
//	             shape references to input and output, references to the result
//	             wrapper, host prefix, root element and its namespace, uvarint n and
//	             n shape references to errors
//	shapes     = uvarint n, n uvarint lengths of bodies, the bodies
//	shape      = byte kind, uvarint flags, then what flags announce in the order of
//	             their bits, then by kind: structure: uvarint n and n members, each
//	             with a reference to its name before it, names ascending;
//	             list: member; map: member for the key, member for the value
//	member     = uvarint flags, shape reference, then what flags announce in the
//	             order of their bits
const magic = "cairn.awsmodel/1\n"

// Kinds of shapes.
const (
	kindStructure = 1 + iota
	kindList
	kindMap
	kindString
	kindBoolean
	kindInteger
	kindLong
	kindFloat
	kindDouble
	kindTimestamp
	kindBlob
	kindDocument
)

// Protocols.
const (
	protocolJSON = 1 + iota
	protocolQuery
	protocolEC2
	protocolRESTJSON
	protocolRESTXML
	protocolCBOR
)

// Flags of a service.
const serviceQueryCompatible = 1 << 0

// Flags of an operation.
const (
	operationReadOnly = 1 << iota
	operationIdempotent
	operationDeprecated
	operationUnsigned
	operationUnsignedPayload
	operationEndpointDiscovery
)

// Flags of a shape. Those from shapeHasName on announce a field.
const (
	shapeSensitive = 1 << iota
	shapeUnion
	shapeException
	shapeFault
	shapeEventStream
	shapeEvent
	shapeStreaming
	shapeFlattened
	shapeWrapper
	shapeHasName            // reference
	shapeHasCode            // reference
	shapeHasStatus          // uvarint
	shapeHasNamespace       // reference
	shapeHasTimestampFormat // reference
	shapeHasWireName        // reference
)

// Flags of a member. The lowest three bits are its location; those from
// memberHasWireName on announce a field.
const (
	memberRequired = 1 << (iota + 3)
	memberPayload
	memberFlattened
	memberAttribute
	memberIdempotencyToken
	memberHostLabel
	memberJSONValue
	memberStreaming
	memberEventPayload
	memberEventHeader
	memberHasWireName        // reference
	memberHasQueryName       // reference
	memberHasNamespace       // reference
	memberHasNamespacePrefix // reference
	memberHasTimestampFormat // reference
)

// Locations of a member.
const (
	locationBody = iota
	locationHeader
	locationHeaders
	locationURI
	locationQuery
	locationStatus
)
